"""Promise + evidence → judgement + money. Pure: no clock, socket, file, environment or random source."""
