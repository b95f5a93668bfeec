"""The emulated `eks` component provider: registers the same resources as the real `eks.Cluster`."""
