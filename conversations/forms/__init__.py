"""What operators type, one form a task. No network, no request."""
