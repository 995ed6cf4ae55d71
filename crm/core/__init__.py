"""What every feature stands on: settings, database, tenant scope, clock, events, live signals, jobs, logs."""
