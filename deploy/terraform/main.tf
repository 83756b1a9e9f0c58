# The table of a DynamoDB store, and what the role of its nodes may do.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "table" {
  description = "Name of the table"
  type        = string
  default     = "countersign"
}

variable "role" {
  description = "Name of the IAM role that the nodes run under"
  type        = string
}

resource "aws_dynamodb_table" "store" {
  name                        = var.table
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  hash_key                    = "pk"

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "gsi1pk"
    type = "S"
  }

  attribute {
    name = "gsi1sk"
    type = "S"
  }

  global_secondary_index {
    name            = "GSI1"
    hash_key        = "gsi1pk"
    range_key       = "gsi1sk"
    projection_type = "ALL"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}

data "aws_iam_policy_document" "node" {
  statement {
    actions = [
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:DeleteItem",
      "dynamodb:Query",
      "dynamodb:ConditionCheckItem",
    ]
    resources = [aws_dynamodb_table.store.arn, "${aws_dynamodb_table.store.arn}/index/GSI1"]
  }
}

resource "aws_iam_role_policy" "node" {
  name   = "countersign-store"
  role   = var.role
  policy = data.aws_iam_policy_document.node.json
}

data "aws_region" "here" {}

output "store_url" {
  description = "What store.url (COUNTERSIGN_STORE_URL) is to be"
  value       = "dynamodb:${aws_dynamodb_table.store.name}?region=${data.aws_region.here.id}"
}
