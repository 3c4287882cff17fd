"""Email Trigger (IMAP): listens to a mailbox."""
