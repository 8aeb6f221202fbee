mock_provider "aws" {
  # The plugin refuses what is not an ARN.
  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::111122223333:role/made"
    }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = {
      arn = "arn:aws:logs:eu-central-1:111122223333:log-group:made"
    }
  }
}

variables {
  name               = "plinth"
  cluster_name       = "plinth"
  region             = "eu-central-1"
  availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
}

run "subnets_over_zones" {
  command = plan

  assert {
    condition     = [for zone in var.availability_zones : aws_subnet.private[zone].cidr_block] == ["10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20"]
    error_message = "Private subnets are /20, one a zone, in the zones' order."
  }

  assert {
    condition     = [for zone in var.availability_zones : aws_subnet.public[zone].cidr_block] == ["10.0.48.0/24", "10.0.49.0/24", "10.0.50.0/24"]
    error_message = "Public subnets are /24 behind the private ones."
  }

  assert {
    condition     = [for zone in var.availability_zones : aws_subnet.database[zone].cidr_block] == ["10.0.52.0/24", "10.0.53.0/24", "10.0.54.0/24"]
    error_message = "Database subnets are /24 behind the public ones."
  }

  assert {
    condition     = alltrue([for zone, subnet in aws_subnet.private : subnet.availability_zone == zone])
    error_message = "A subnet is in the zone that it is named after."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : subnet.map_public_ip_on_launch == false])
    error_message = "Nothing gets a public address by chance."
  }
}

run "a_smaller_range_is_divided_alike" {
  command = plan

  variables {
    cidr = "10.64.0.0/18"
  }

  assert {
    condition     = aws_subnet.private["eu-central-1c"].cidr_block == "10.64.8.0/22"
    error_message = "The private subnets of a /18 are /22."
  }

  assert {
    condition     = aws_subnet.database["eu-central-1a"].cidr_block == "10.64.13.0/26"
    error_message = "The database subnets of a /18 are /26."
  }
}

run "load_balancers_and_karpenter_find_their_subnets" {
  command = plan

  assert {
    condition = alltrue([for subnet in aws_subnet.private :
      subnet.tags["kubernetes.io/role/internal-elb"] == "1" && subnet.tags["karpenter.sh/discovery"] == "plinth"
    ])
    error_message = "Private subnets are for internal load balancers, and for Karpenter's nodes."
  }

  assert {
    condition = alltrue([for subnet in aws_subnet.public :
      subnet.tags["kubernetes.io/role/elb"] == "1" && !contains(keys(subnet.tags), "karpenter.sh/discovery")
    ])
    error_message = "Public subnets are for load balancers, and never for nodes."
  }

  assert {
    condition = alltrue([for subnet in aws_subnet.database :
      !contains(keys(subnet.tags), "karpenter.sh/discovery") && !contains(keys(subnet.tags), "kubernetes.io/role/internal-elb")
    ])
    error_message = "Nobody puts anything into the database subnets by their tags."
  }
}

run "a_nat_gateway_in_each_zone" {
  command = apply

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_eip.nat) == 3
    error_message = "Three zones, three NAT gateways."
  }

  assert {
    condition     = alltrue([for zone in var.availability_zones : aws_route.private[zone].nat_gateway_id == aws_nat_gateway.this[zone].id])
    error_message = "Each zone goes out by its own NAT gateway."
  }

  assert {
    condition     = alltrue([for zone, nat in aws_nat_gateway.this : nat.subnet_id == aws_subnet.public[zone].id])
    error_message = "NAT gateways are in public subnets."
  }

  assert {
    condition     = length(output.nat_addresses) == 3
    error_message = "Three addresses that calls come from."
  }
}

run "one_nat_gateway_for_all" {
  command = apply

  variables {
    nat_per_zone = false
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_eip.nat) == 1
    error_message = "One NAT gateway."
  }

  assert {
    condition     = length(aws_route.private) == 3 && alltrue([for route in aws_route.private : route.nat_gateway_id == aws_nat_gateway.this["eu-central-1a"].id])
    error_message = "All zones go out by the one of the first zone."
  }
}

run "only_public_subnets_face_the_internet" {
  command = apply

  assert {
    condition     = aws_route.public.destination_cidr_block == "0.0.0.0/0" && aws_route.public.gateway_id == aws_internet_gateway.this.id
    error_message = "Public subnets go out by the internet gateway."
  }

  assert {
    condition     = alltrue([for route in aws_route.private : route.gateway_id == null || route.gateway_id != aws_internet_gateway.this.id])
    error_message = "Private subnets have no route to the internet gateway."
  }

  assert {
    condition     = alltrue([for association in aws_route_table_association.database : association.route_table_id == aws_route_table.database.id])
    error_message = "Database subnets use the table without a route."
  }
}

run "flows_are_kept" {
  command = plan

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow.retention_in_days == 90
    error_message = "All flows are kept, for 90 days."
  }
}

run "backups_do_not_cross_the_nat" {
  command = plan

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.service_name == "com.amazonaws.eu-central-1.s3"
    error_message = "S3 is reached by a gateway endpoint of the region."
  }
}

run "two_zones_are_refused" {
  command = plan

  variables {
    availability_zones = ["eu-central-1a", "eu-central-1b"]
  }

  expect_failures = [var.availability_zones]
}

run "the_same_zone_twice_is_refused" {
  command = plan

  variables {
    availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1b"]
  }

  expect_failures = [var.availability_zones]
}

run "a_range_that_is_too_small_is_refused" {
  command = plan

  variables {
    cidr = "10.0.0.0/24"
  }

  expect_failures = [var.cidr]
}

run "an_address_in_the_midst_of_a_range_is_refused" {
  command = plan

  variables {
    cidr = "10.0.0.7/16"
  }

  expect_failures = [var.cidr]
}

run "logs_for_a_day_are_refused" {
  command = plan

  variables {
    flow_log_retention_days = 1
  }

  expect_failures = [var.flow_log_retention_days]
}
