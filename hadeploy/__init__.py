"""hadeploy: a highly available TCP load balancer over SSH, from one inventory file."""

__version__ = "0.1.0"
