"""Transit gateways: their attachments, route tables, and how accounts share them."""
