# Where the databases' backups and their WAL go: with both, a database is brought back to any second of the last
# weeks. Whoever holds a database's credentials may write here, but not undo what was written.
locals {
  backup_bucket = "${var.name}-${var.environment}-backups-${var.account_id}"
}

resource "aws_s3_bucket" "backups" {
  bucket = local.backup_bucket

  # Not even `terraform destroy` takes backups with it.
  force_destroy = false

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "backups" {
  bucket = aws_s3_bucket.backups.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "backups" {
  bucket = aws_s3_bucket.backups.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# What is deleted or overwritten stays as an old version: an attacker with the databases' role, or a wrong retention
# policy, takes nothing away for good.
resource "aws_s3_bucket_versioning" "backups" {
  bucket = aws_s3_bucket.backups.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_kms_key" "backups" {
  description             = "Backups of the databases of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_kms_alias" "backups" {
  name          = "alias/${var.name}-backups"
  target_key_id = aws_kms_key.backups.key_id
}

resource "aws_s3_bucket_server_side_encryption_configuration" "backups" {
  bucket = aws_s3_bucket.backups.id

  rule {
    # One key for many objects: without it each segment of WAL would be a paid call of KMS.
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.backups.arn
    }
  }
}

# The databases' operator decides how long backups are kept (the ObjectStore's retentionPolicy) and deletes the older
# ones. Here only what it deleted is cleared away, later.
resource "aws_s3_bucket_lifecycle_configuration" "backups" {
  bucket = aws_s3_bucket.backups.id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.backup_undo_days
    }

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.backups]
}

resource "aws_s3_bucket_policy" "backups" {
  bucket = aws_s3_bucket.backups.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::${local.backup_bucket}", "arn:aws:s3:::${local.backup_bucket}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.backups]
}

# CloudNativePG's pods of the cluster `postgres` use the service account of that name.
module "postgres" {
  source = "../module-aws/pod-identity"

  # One that is restored beside reads the same archive (docs/runbooks/restore-postgres.md).
  for_each = toset(["postgres", "postgres-restored"])

  name            = "${var.name}-${each.key}"
  cluster_name    = module.eks.name
  namespace       = "plinth"
  service_account = each.key

  policies = {
    backups = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "List"
          Effect   = "Allow"
          Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
          Resource = "arn:aws:s3:::${local.backup_bucket}"
        },
        {
          # No s3:DeleteObjectVersion: what it deletes can be brought back.
          Sid      = "ReadAndWrite"
          Effect   = "Allow"
          Action   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
          Resource = "arn:aws:s3:::${local.backup_bucket}/*"
        },
        {
          Sid      = "SealAndOpen"
          Effect   = "Allow"
          Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource = aws_kms_key.backups.arn
        },
      ]
    })
  }
}
