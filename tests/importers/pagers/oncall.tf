data "grafana_oncall_user" "ana" { username = "ana" }
data "grafana_oncall_user" "ben" { username = "ben" }
resource "grafana_oncall_on_call_shift" "days" {
  name                           = "Days"
  type                           = "rolling_users"
  start                          = "2026-11-02T09:00:00"
  duration                       = 60 * 60 * 8
  frequency                      = "weekly"
  interval                       = 1
  by_day                         = ["MO", "TU", "WE", "TH", "FR"]
  week_start                     = "MO"
  time_zone                      = "Europe/London"
  start_rotation_from_user_index = 1
  rolling_users = [
    [data.grafana_oncall_user.ana.id],
    [data.grafana_oncall_user.ben.id],
  ]
}
resource "grafana_oncall_schedule" "primary" {
  name      = "Primary"
  type      = "calendar"
  time_zone = "Europe/London"
  shifts    = [grafana_oncall_on_call_shift.days.id]
}
resource "grafana_oncall_escalation_chain" "shop" { name = "Shop" }
resource "grafana_oncall_escalation" "first" {
  escalation_chain_id          = grafana_oncall_escalation_chain.shop.id
  type                         = "notify_on_call_from_schedule"
  notify_on_call_from_schedule = grafana_oncall_schedule.primary.id
  position                     = 0
}
resource "grafana_oncall_escalation" "wait" {
  escalation_chain_id = grafana_oncall_escalation_chain.shop.id
  type                = "wait"
  duration            = 300
  position            = 1
}
resource "grafana_oncall_escalation" "second" {
  escalation_chain_id = grafana_oncall_escalation_chain.shop.id
  type                = "notify_persons"
  persons_to_notify   = [data.grafana_oncall_user.ben.id]
  position            = 2
}
resource "grafana_oncall_user_notification_rule" "ana" {
  user_id  = data.grafana_oncall_user.ana.id
  type     = "notify_by_sms"
  position = 0
}
resource "grafana_oncall_integration" "shop" {
  name = "Shop"
  type = "alertmanager"
  default_route {
    escalation_chain_id = grafana_oncall_escalation_chain.shop.id
  }
}
