"""Messages of the Remote Execution API, generated from `proto/`. Unaware of gRPC."""
