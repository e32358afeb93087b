"""The sandbox room against a stand-in of E2B that runs real processes."""
