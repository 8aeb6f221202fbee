"""Seeds faults into a copy of terraform/ and has each found: `python3 -m unittest discover deploy/validate`."""

import pathlib
import shutil
import tempfile
import unittest

import terraform_schema

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "target" / "validate"


class Seeded(unittest.TestCase):
    """Each test changes one place of a copy, and names the file and the words that the fault must have."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name).resolve()
        shutil.copytree(ROOT / "terraform", self.root / "terraform", ignore=shutil.ignore_patterns(".terraform*"))

    def seed(self, file: str, old: str, new: str) -> list[str]:
        path = self.root / "terraform" / file
        text = path.read_text()
        self.assertIn(old, text, f"the place to seed is gone from {file}: choose another")
        path.write_text(text.replace(old, new, 1))
        return terraform_schema.check(self.root, CACHE)

    def found(self, file: str, old: str, new: str, *words: str, at: str | None = None):
        faults = self.seed(file, old, new)
        hits = [f for f in faults if f.startswith(f"terraform/{at or file}:") and all(word in f for word in words)]
        self.assertTrue(hits, f"not found: {words}; but {faults}")

    def test_the_tree_itself_has_none(self):
        self.assertEqual(terraform_schema.check(self.root, CACHE), [])

    def test_a_misspelt_attribute(self):
        self.found(
            "module-aws/network/vpc.tf",
            "enable_dns_support ",
            "enable_dns_suport ",
            "no attribute enable_dns_suport",
            "did you mean",
        )

    def test_the_lines_of_faults(self):
        file = "module-aws/eks/nodes.tf"
        lines = (ROOT / "terraform" / file).read_text().splitlines()
        faults = self.seed(file, '    resource_type = "volume"\n', '    resource_typ = "volume"\n')
        taken = [i for i, line in enumerate(lines, 1) if line == '    resource_type = "volume"'][0]
        self.assertIn(f"terraform/{file}:{taken}: resource aws_launch_template tag_specifications has no", faults[0])

    def test_the_line_of_a_nested_block(self):
        file = "module-aws/eks/cluster.tf"
        line = (ROOT / "terraform" / file).read_text().splitlines().index("  upgrade_policy {") + 1
        faults = self.seed(file, "  upgrade_policy {", "  upgrading_policy {")
        self.assertTrue(faults[0].startswith(f"terraform/{file}:{line}: "), faults)

    def test_an_attribute_misspelt_in_a_nested_block(self):
        self.found(
            "module-aws/eks/nodes.tf", "http_tokens ", "http_token ", "metadata_options has no attribute http_token"
        )

    def test_an_attribute_misspelt_in_a_dynamic_block(self):
        self.found(
            "module-gcp/cloudsql/instance.tf",
            "value = database_flags.value",
            "worth = database_flags.value",
            "database_flags has no attribute worth",
        )

    def test_an_unknown_resource(self):
        self.found(
            "module-aws/network/igw.tf",
            '"aws_internet_gateway" "this"',
            '"aws_internet_gate" "this"',
            "no resource aws_internet_gate",
        )

    def test_an_unknown_data_source(self):
        self.found(
            "module-aws/eks/addons.tf",
            'data "aws_eks_addon_version"',
            'data "aws_eks_addon_versions"',
            "no data aws_eks_addon_versions",
        )

    def test_a_missing_attribute(self):
        self.found(
            "module-aws/eks/cluster.tf", "  role_arn = aws_iam_role.cluster.arn\n", "", "aws_eks_cluster wants role_arn"
        )

    def test_a_missing_attribute_in_a_nested_block(self):
        self.found("module-aws/eks/nodes.tf", '    effect = "NO_EXECUTE"\n', "", "taint wants effect")

    def test_a_missing_block(self):
        self.found("module-aws/eks/nodes.tf", "scaling_config {", "update_config {", "wants scaling_config")

    def test_an_unknown_block(self):
        self.found("module-aws/eks/cluster.tf", "upgrade_policy {", "upgrading_policy {", "no block upgrading_policy")

    def test_an_unknown_dynamic_block(self):
        self.found("module-gcp/gke/cluster.tf", 'dynamic "cidr_blocks"', 'dynamic "cidr_block"', "no block cidr_block")

    def test_a_block_written_as_an_attribute(self):
        self.found(
            "module-aws/eks/cluster.tf", "  upgrade_policy {", "  upgrade_policy = {", "upgrade_policy is a block"
        )

    def test_an_attribute_written_as_a_block(self):
        self.found("eks/providers.tf", "  kubernetes = {", "  kubernetes {", "kubernetes is an attribute")

    def test_what_the_provider_makes_itself(self):
        self.found(
            "module-aws/network/vpc.tf",
            "  enable_dns_support   = true\n",
            '  arn = "x"\n',
            "arn is made by the provider",
        )

    def test_a_misspelt_attribute_of_a_provider(self):
        self.found(
            "eks/providers.tf",
            "allowed_account_ids ",
            "allowed_accounts ",
            "provider aws has no attribute allowed_accounts",
        )

    def test_an_object_of_a_provider(self):
        self.found("eks/providers.tf", "      command     =", "      comand      =", "exec has no attribute comand")

    def test_a_misspelt_attribute_of_kind(self):
        self.found(
            "kind-local/kind.tf", "disable_default_cni ", "disable_cni ", "networking has no attribute disable_cni"
        )

    def test_an_unknown_variable(self):
        self.found(
            "module-aws/network/vpc.tf",
            "cidr_block           = var.cidr",
            "cidr_block           = var.cider",
            "no variable cider",
            "did you mean cidr",
        )

    def test_an_unknown_variable_in_a_string(self):
        self.found("module-aws/network/vpc.tf", '"${var.name}-unused"', '"${var.nome}-unused"', "no variable nome")

    def test_an_unknown_local(self):
        self.found(
            "module-aws/network/vpc.tf",
            "for_each = local.private_subnets",
            "for_each = local.privat_subnets",
            "no local privat_subnets",
        )

    def test_an_unused_local(self):
        self.found(
            "module-aws/network/vpc.tf", "locals {\n", "locals {\n  unused = 1\n", "local unused is used nowhere"
        )

    def test_an_unused_variable(self):
        faults = self.seed(
            "module-aws/network/variables.tf",
            'variable "tags" {',
            'variable "unused" {\n  type        = string\n  description = "Nothing."\n}\n\nvariable "tags" {',
        )
        self.assertIn("variable unused is used nowhere", " ".join(faults))

    def test_a_variable_without_a_type(self):
        self.found("module-aws/network/variables.tf", "  type        = bool\n", "", "variable nat_per_zone has no type")

    def test_an_unknown_input_of_a_module(self):
        self.found(
            "eks/aws.tf",
            "  nat_per_zone       = var.nat_per_zone\n",
            "  nat_for_zone = var.nat_per_zone\n",
            "module network takes no nat_for_zone",
        )

    def test_a_missing_input_of_a_module(self):
        self.found(
            "eks/aws.tf",
            "  availability_zones = var.availability_zones\n",
            "",
            "module network wants availability_zones",
        )

    def test_a_module_that_is_not_there(self):
        self.found("eks/aws.tf", '"../module-aws/network"', '"../module-aws/networks"', "no module is at")

    def test_an_unknown_output(self):
        self.found(
            "eks/redis.tf",
            "module.network.database_subnet_ids",
            "module.network.databases",
            "module network has no output databases",
        )

    def test_an_unknown_module(self):
        self.found("eks/redis.tf", "module.network.vpc_id", "module.net.vpc_id", "no module net")

    def test_an_undeclared_resource(self):
        self.found(
            "eks/redis.tf",
            "[aws_security_group.redis.id]",
            "[aws_security_group.cache.id]",
            "no resource aws_security_group.cache",
        )

    def test_an_undeclared_data_source(self):
        self.found(
            "module-aws/eks/addons.tf",
            "in data.aws_eks_addon_version.default",
            "in data.aws_eks_addon_version.latest",
            "no data aws_eks_addon_version.latest",
        )

    def test_an_unknown_attribute_of_a_resource(self):
        self.found(
            "module-aws/eks/outputs.tf",
            "aws_eks_cluster.this.endpoint",
            "aws_eks_cluster.this.address",
            "aws_eks_cluster has no attribute address",
        )

    def test_a_provider_that_is_not_named(self):
        self.found(
            "module-gcp/cloudsql/versions.tf",
            "    random = {",
            "    rand = {",
            "random to required_providers",
            at="module-gcp/cloudsql/databases.tf",
        )

    def test_a_provider_without_an_upper_bound(self):
        self.found("module-aws/eks/versions.tf", '">= 5.95, < 7.0"', '">= 5.95"', "no upper bound")

    def test_a_chart_without_a_version(self):
        self.found("eks/argocd.tf", "  version          = var.chart_versions.argocd\n", "", "a chart without version")

    def test_no_version_of_terraform(self):
        self.found(
            "module-secrets/versions.tf",
            '  required_version = ">= 1.11, < 2.0"\n',
            "",
            "required_version",
            at="module-secrets/outputs.tf",
        )

    def test_broken_syntax(self):
        self.found("module-aws/network/igw.tf", "{", "{{", "cannot be read")

    def test_a_test_that_gives_an_unknown_variable(self):
        self.found(
            "module-aws/network/tests/network.tftest.hcl",
            "    nat_per_zone = false",
            "    nat_for_zone = false",
            "takes no variable nat_for_zone",
        )

    def test_a_test_that_mocks_an_unknown_attribute(self):
        self.found(
            "module-aws/eks/tests/eks.tftest.hcl",
            "      endpoint  ",
            "      adress  ",
            "aws_eks_cluster has no attribute adress",
        )

    def test_a_test_that_reads_an_unknown_output(self):
        self.found(
            "module-aws/network/tests/network.tftest.hcl", "output.nat_addresses", "output.nat_ips", "no output nat_ips"
        )


if __name__ == "__main__":
    unittest.main()
