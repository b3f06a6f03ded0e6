"""PostgreSQL: the embedded server, tables, named queries, and one store per noun. A store never commits."""
