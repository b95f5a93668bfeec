"""The emulated `aws` provider: a table of resource types over boto3, described in `table`."""
