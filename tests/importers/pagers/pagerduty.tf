variable "zone" { default = "Europe/London" }
resource "pagerduty_user" "ana" {
  name  = "Ana Lima"
  email = "ana@example.com"
}
resource "pagerduty_user" "ben" {
  name  = "Ben Okafor"
  email = "ben@example.com"
}
resource "pagerduty_user_contact_method" "ana_phone" {
  user_id      = pagerduty_user.ana.id
  type         = "phone_contact_method"
  country_code = "+44"
  address      = "2079460123"
  label        = "Work"
}
resource "pagerduty_user_notification_rule" "ana_high" {
  user_id                = pagerduty_user.ana.id
  start_delay_in_minutes = 1
  urgency                = "high"
  contact_method {
    type = "phone_contact_method"
    id   = pagerduty_user_contact_method.ana_phone.id
  }
}
resource "pagerduty_schedule" "primary" {
  name      = "Primary"
  time_zone = var.zone
  layer {
    name                         = "Weeks"
    start                        = "2026-11-02T09:00:00Z"
    rotation_virtual_start       = "2026-11-02T09:00:00Z"
    rotation_turn_length_seconds = 604800
    users                        = [pagerduty_user.ana.id, pagerduty_user.ben.id]
  }
  layer {
    name                         = "Nights"
    start                        = "2026-11-02T20:00:00Z"
    rotation_virtual_start       = "2026-11-02T20:00:00Z"
    rotation_turn_length_seconds = 12 * 3600
    users                        = [pagerduty_user.ben.id]
    restriction {
      type              = "daily_restriction"
      start_time_of_day = "20:00:00"
      duration_seconds  = 43200
    }
  }
}
resource "pagerduty_escalation_policy" "shop" {
  name      = "Shop"
  num_loops = 2
  rule {
    escalation_delay_in_minutes = 10
    target {
      type = "schedule_reference"
      id   = pagerduty_schedule.primary.id
    }
  }
  rule {
    escalation_delay_in_minutes = 15
    target {
      type = "user_reference"
      id   = pagerduty_user.ben.id
    }
  }
}
resource "pagerduty_service" "checkout" {
  name              = "Checkout"
  escalation_policy = pagerduty_escalation_policy.shop.id
}
resource "pagerduty_team" "t" { name = "T" }
