"""Words for what happened: values in, lines or text out. Unaware of terminals, files and clocks."""
