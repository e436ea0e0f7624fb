"""What `/metrics` shows, all of it beginning with `prime_`."""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()

deliveries = Counter("prime_deliveries", "Deliveries that led to work, by kind and fate", ["kind", "fate"])
work_seconds = Counter("prime_work_seconds", "Time spent on deliveries from the inbox", ["kind"])
inbox_depth = Gauge("prime_inbox_depth", "Deliveries that wait or are being worked on")
slack_calls = Counter("prime_slack_calls", "Calls to Slack, by method and outcome", ["method", "outcome"])
socket_connected = Gauge("prime_socket_connected", "Whether the Socket Mode connection is open")
socket_replaced = Counter("prime_socket_replaced", "Socket Mode connections that ended, by reason", ["reason"])
audit_head = Gauge("prime_audit_head", "Number of the newest audit row: it never falls")
audit_rows = Gauge("prime_audit_rows", "How many audit rows are kept")
detectors_ready = Gauge("prime_detectors_ready", "Processes that can look for personal data")
detector_restarts = Gauge("prime_detector_restarts", "Processes for that which ended and were replaced")
redaction_seconds = Histogram("prime_redaction_seconds", "Time that looking through a prompt took, waiting included")
jobs = Counter("prime_jobs", "Runs of jobs, by name and fate: done, put_off, failed or cut_short", ["name", "fate"])
leader = Gauge("prime_leader", "Whether this replica leads: it alone looks at servers and stops them")
