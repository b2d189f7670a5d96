"""Reads infra/template.yaml the two ways the checks need: as it is written, and as CloudFormation sees it.

Invariant: the transform is AWS's own library, run offline; nothing of the template is interpreted here.
"""

import logging
from pathlib import Path

from cfnlint.decode import decode
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

TEMPLATE = Path(__file__).resolve().with_name("template.yaml")
# It reports each of its own feature switches it has no configuration for.
logging.getLogger("samtranslator").setLevel(logging.CRITICAL)


def written() -> dict:
    """The template with CloudFormation's short tags as plain dictionaries (`{"Ref": …}`)."""
    template, problems = decode(str(TEMPLATE))
    if problems:
        raise ValueError("; ".join(str(problem) for problem in problems))
    return _plain(template)


def transformed(parameters: dict[str, str]) -> dict:
    """The CloudFormation template that the SAM transform makes of it."""
    import boto3

    template = written()
    # The transform wants places in S3; at this point the packages are files that need not exist.
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://packages/package.zip"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    return translator.translate(sam_template=template, parameter_values=parameters)


def _plain(value):
    """The linter's nodes carry positions and compare oddly; the transform wants dictionaries."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value
