"""The stand-in for Pulumi's `aws` provider: a table of resource types over boto3, see `table`."""
