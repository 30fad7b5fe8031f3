"""A local WhatsApp Cloud API over real HTTP, for demos, tests and benchmarks."""
