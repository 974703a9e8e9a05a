"""The telephone service itself, from real parts."""
