"""What a stream's payloads say, where they are captured and not encrypted: level, redundancy, digits, pictures."""
