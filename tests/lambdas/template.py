"""The template of the AWS side, read once."""

import json
from pathlib import Path

from cfnlint.decode import cfn_yaml

PATH = Path(__file__).resolve().parents[2] / "lambdas" / "template.yaml"


TEMPLATE = json.loads(json.dumps(cfn_yaml.load(str(PATH))))


RESOURCES = TEMPLATE["Resources"]
