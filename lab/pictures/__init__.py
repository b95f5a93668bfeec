"""The pictures of the documentation, made from what the program prints. `make pictures` makes them anew."""
