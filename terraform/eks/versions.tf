terraform {
  required_version = ">= 1.11, < 2.0"

  # The rest is said at `terraform init`: -backend-config=bucket=… -backend-config=region=… -backend-config=kms_key_id=…
  # The state holds passwords: its bucket is private, versioned and encrypted, and its readers are few.
  backend "s3" {
    key          = "plinth/eks.tfstate"
    encrypt      = true
    use_lockfile = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.95, < 7.0"
    }
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.1"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }
}
