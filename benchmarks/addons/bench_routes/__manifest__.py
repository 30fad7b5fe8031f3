{
    "name": "Bench Routes",
    "summary": "Loaded by make bench only: what a webhook costs at the least",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "depends": ["web"],
    "installable": True,
}
