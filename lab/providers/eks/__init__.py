"""The stand-in for Pulumi's `eks` component provider: registers what the real `eks.Cluster` registers."""
