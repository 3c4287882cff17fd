"""Send Email and the SMTP behind it."""
