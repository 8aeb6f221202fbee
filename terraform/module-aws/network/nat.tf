# One NAT gateway a zone: a zone that fails takes nobody else's way out with it. One for all is cheaper, and for
# environments that may stand still for an hour.
locals {
  nat_zones = var.nat_per_zone ? var.availability_zones : slice(var.availability_zones, 0, 1)

  nat_of_zone = { for zone in var.availability_zones : zone => var.nat_per_zone ? zone : local.nat_zones[0] }
}

resource "aws_eip" "nat" {
  for_each = toset(local.nat_zones)

  domain = "vpc"

  tags = merge(var.tags, { Name = "${var.name}-nat-${each.key}" })
}

resource "aws_nat_gateway" "this" {
  for_each = toset(local.nat_zones)

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })

  # It has no way out before the internet gateway is there.
  depends_on = [aws_internet_gateway.this]
}

# A table a zone in both cases, so that going from one NAT gateway to three later changes routes and no association.
resource "aws_route_table" "private" {
  for_each = local.zones

  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-private-${each.key}" })
}

resource "aws_route" "private" {
  for_each = local.nat_of_zone

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.value].id
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[each.key].id
}
