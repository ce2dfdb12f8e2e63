resource "opsgenie_user" "ana" {
  username  = "ana@example.com"
  full_name = "Ana Lima"
  role      = "User"
  timezone  = "Europe/London"
}
resource "opsgenie_user_contact" "sms" {
  username = opsgenie_user.ana.username
  to       = "44-2079460123"
  method   = "sms"
}
resource "opsgenie_schedule" "shop" {
  name     = "Shop"
  timezone = "Europe/London"
}
resource "opsgenie_schedule_rotation" "nights" {
  schedule_id = opsgenie_schedule.shop.id
  name        = "Nights"
  start_date  = "2026-11-02T17:00:00Z"
  type        = "weekly"
  length      = 2
  participant {
    type = "user"
    id   = opsgenie_user.ana.id
  }
  time_restriction {
    type = "time-of-day"
    restriction {
      start_hour = 17
      start_min  = 0
      end_hour   = 9
      end_min    = 0
    }
  }
}
resource "opsgenie_escalation" "shop" {
  name = "Shop"
  rules {
    condition   = "if-not-acked"
    notify_type = "default"
    delay       = 1
    recipient {
      type = "schedule"
      id   = opsgenie_schedule.shop.id
    }
  }
  repeat {
    wait_interval = 10
    count         = 1
  }
}
resource "opsgenie_schedule_rotation" "each" {
  for_each    = toset(["a", "b"])
  schedule_id = opsgenie_schedule.shop.id
  start_date  = "2026-11-02T17:00:00Z"
  type        = "weekly"
}
