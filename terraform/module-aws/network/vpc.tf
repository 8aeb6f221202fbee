# Three tiers over the zones. Nodes and pods are in the private subnets, which are large, as each pod has an address of
# its own there. Public subnets hold load balancers and NAT gateways alone, and database subnets have no way out at all.
#
# Of a /16: private 3 × /20 from 10.0.0.0, public 3 × /24 from 10.0.48.0, database 3 × /24 from 10.0.52.0.
# What is left, 10.0.64.0 and up, is free for what comes later.
locals {
  zones = { for index, zone in var.availability_zones : zone => index }

  private_subnets  = { for zone, index in local.zones : zone => cidrsubnet(var.cidr, 4, index) }
  public_subnets   = { for zone, index in local.zones : zone => cidrsubnet(var.cidr, 8, 48 + index) }
  database_subnets = { for zone, index in local.zones : zone => cidrsubnet(var.cidr, 8, 52 + index) }
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = merge(var.tags, { Name = var.name })
}

# AWS makes this group with everything allowed; without rules it allows nothing to whom it is given by mistake.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-unused" })
}

resource "aws_subnet" "private" {
  for_each = local.private_subnets

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = merge(var.tags, {
    Name = "${var.name}-private-${each.key}"

    # Where internal load balancers go, and where Karpenter puts nodes.
    "kubernetes.io/role/internal-elb" = "1"
    "karpenter.sh/discovery"          = var.cluster_name
  })
}

resource "aws_subnet" "public" {
  for_each = local.public_subnets

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  # Load balancers and NAT gateways bring their own public addresses; nothing else may get one by chance.
  map_public_ip_on_launch = false

  tags = merge(var.tags, {
    Name                     = "${var.name}-public-${each.key}"
    "kubernetes.io/role/elb" = "1"
  })
}

resource "aws_subnet" "database" {
  for_each = local.database_subnets

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = merge(var.tags, { Name = "${var.name}-database-${each.key}" })
}

# Only the VPC itself is reached from here: a table with no route of its own.
resource "aws_route_table" "database" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-database" })
}

resource "aws_route_table_association" "database" {
  for_each = aws_subnet.database

  subnet_id      = each.value.id
  route_table_id = aws_route_table.database.id
}
