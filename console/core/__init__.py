"""What every other package stands on: database, configuration, clock, tokens, audit."""
