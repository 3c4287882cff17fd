"""Two projects on the same workers: Alpha does what it can to harm its neighbour, Beta works and must not notice."""
