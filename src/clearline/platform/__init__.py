"""Who the customers are, what happened, what was decided, what is owed."""
