"""What operators type, one form per task. No network, no request."""
