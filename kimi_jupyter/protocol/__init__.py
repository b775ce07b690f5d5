"""Events, commands, messages, settings and errors: data only, no behaviour."""
