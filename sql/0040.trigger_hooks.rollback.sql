DROP TABLE trigger_hooks;
