"""The engines that execute the queries: each gives files a name and runs Ibis expressions on the names."""
