output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Its address range."
  value       = aws_vpc.this.cidr_block
}

output "private_subnet_ids" {
  description = "For nodes and pods, in the order of the zones."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]

  # Nodes that start before there is a way out cannot pull an image, nor join.
  depends_on = [aws_route.private, aws_route_table_association.private]
}

output "public_subnet_ids" {
  description = "For load balancers that face the internet, in the order of the zones."
  value       = [for zone in var.availability_zones : aws_subnet.public[zone].id]
}

output "database_subnet_ids" {
  description = "For managed databases and caches, in the order of the zones."
  value       = [for zone in var.availability_zones : aws_subnet.database[zone].id]
}

output "nat_addresses" {
  description = "The addresses that calls to the world come from, for receivers that allow only known ones."
  value       = [for zone in local.nat_zones : aws_eip.nat[zone].public_ip]
}
