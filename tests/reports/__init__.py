"""Reports, alerts, schedules and deliveries, against real local servers with injected faults."""
