"""One program per mode; the `Pulumi.<environment>.yaml` files beside them are their configurations."""
