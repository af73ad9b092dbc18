"""A cache server that speaks the Remote Execution API, version 2."""
