"""Seeds into a copy of a module what its tests are there to notice, and has them fail: needs terraform on PATH."""

import contextlib
import io
import pathlib
import shutil
import tempfile
import unittest

import terraform_standin

ROOT = pathlib.Path(__file__).resolve().parents[2]


@unittest.skipUnless(shutil.which("terraform"), "terraform is not on PATH")
class Seeded(unittest.TestCase):
    """Each test changes one place of a copy, and names the run that must fail for it."""

    def fails(self, file: str, old: str, new: str, run: str, *besides: str):
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch).resolve()
            for module in (str(pathlib.Path(file).parent), *besides):
                shutil.copytree(
                    ROOT / "terraform" / module,
                    root / "terraform" / module,
                    ignore=shutil.ignore_patterns(".terraform*"),
                )
            path = root / "terraform" / file
            text = path.read_text()
            self.assertIn(old, text, f"the place to seed is gone from {file}: choose another")
            path.write_text(text.replace(old, new, 1))
            with contextlib.redirect_stdout(io.StringIO()):
                faults = terraform_standin.check(root, ROOT / "target" / "validate")
        self.assertTrue(any(f'run "{run}"... fail' in fault for fault in faults), f"{run} did not fail: {faults}")

    def test_subnets_that_overlap(self):
        self.fails("module-aws/network/vpc.tf", "48 + index", "0 + index", "subnets_over_zones")

    def test_databases_with_a_way_out(self):
        self.fails(
            "module-aws/network/vpc.tf",
            "route_table_id = aws_route_table.database.id",
            "route_table_id = aws_route_table.public.id",
            "only_public_subnets_face_the_internet",
        )

    def test_nodes_found_in_public_subnets(self):
        self.fails(
            "module-aws/network/vpc.tf",
            '"kubernetes.io/role/elb" = "1"',
            '"kubernetes.io/role/elb" = "1"\n    "karpenter.sh/discovery" = var.cluster_name',
            "load_balancers_and_karpenter_find_their_subnets",
        )

    def test_a_range_without_a_check(self):
        self.fails(
            "module-aws/network/variables.tf",
            'try(cidrhost(var.cidr, 0), "") == split("/", var.cidr)[0]',
            "length(var.cidr) > 0",
            "an_address_in_the_midst_of_a_range_is_refused",
        )

    def test_an_api_for_the_world(self):
        self.fails(
            "module-aws/eks/cluster.tf",
            "endpoint_public_access  = length(var.public_access_cidrs) > 0",
            "endpoint_public_access = true",
            "the_api_is_private",
            "module-aws/pod-identity",
        )

    def test_secrets_in_the_clear(self):
        self.fails(
            "module-aws/eks/cluster.tf",
            "enable_key_rotation     = true",
            "enable_key_rotation     = false",
            "secrets_are_sealed_with_our_key",
            "module-aws/pod-identity",
        )

    def test_credentials_of_the_node_for_any_pod(self):
        self.fails(
            "module-aws/eks/nodes.tf",
            'http_tokens                 = "required"',
            'http_tokens                 = "optional"',
            "nodes_are_private_and_keep_their_credentials",
            "module-aws/pod-identity",
        )

    def test_a_role_for_all_service_accounts(self):
        self.fails(
            "module-aws/pod-identity/role.tf",
            '"aws:RequestTag/kubernetes-service-account" = var.service_account',
            '"aws:RequestTag/kubernetes-service-account" = "*"',
            "only_that_service_account_takes_the_role",
        )

    def test_an_interruption_that_is_not_heard(self):
        self.fails(
            "module-aws/karpenter/queue.tf",
            "EC2 Spot Instance Interruption Warning",
            "EC2 Spot Instance Interruption",
            "interruptions_arrive",
            "module-aws/pod-identity",
        )

    def test_instances_of_others_within_reach(self):
        ended = 'instance/*", "${local.ec2}:*:launch-template/*"]\n      Condition = local.tags_of_its_own'
        self.fails(
            "module-aws/karpenter/iam.tf",
            ended,
            ended.replace("tags_of_its_own", "tags_when_made"),
            "only_what_karpenter_made_may_it_end",
            "module-aws/pod-identity",
        )

    def test_a_database_with_a_public_address(self):
        self.fails(
            "module-gcp/cloudsql/instance.tf",
            "ipv4_enabled    = false",
            "ipv4_enabled    = true",
            "it_is_private_and_encrypted",
        )

    def test_a_cluster_without_a_key(self):
        self.fails(
            "module-gcp/gke/cluster.tf",
            "var.secrets_key_name != null || !var.require_secrets_key",
            "length(var.name) > 0",
            "no_key_is_refused",
        )

    def test_redis_in_the_clear(self):
        self.fails("module-gcp/memorystore/redis.tf", '"SERVER_AUTHENTICATION"', '"DISABLED"', "a_password_and_tls")

    def test_passwords_that_do_not_fit_into_urls(self):
        self.fails("module-secrets/secrets.tf", "special = false", "special = true", "passwords_fit_into_urls")


if __name__ == "__main__":
    unittest.main()
