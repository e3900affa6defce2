"""A Kubernetes cluster on AWS for Timonel, as CloudFormation by the CDK."""
