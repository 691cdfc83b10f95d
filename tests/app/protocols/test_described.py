import json
import re

import pytest

from app.protocols.described import DESCRIBED, SCHEMAS, operation_of
from app.protocols.native import ROUTES
from app.protocols.questions import QUESTIONS

BY_NAME = {schema.__name__: schema for schema in SCHEMAS}


def test_every_question_is_described():
    assert DESCRIBED.keys() == QUESTIONS.keys()


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_example_of_a_body_is_one(question):
    content = DESCRIBED[question].body["application/json"]
    examples = [example["value"] for example in content["examples"].values()]
    assert examples
    for example in examples:
        if "$ref" in content["schema"]:
            _, _, name = content["schema"]["$ref"].rpartition("/")
            BY_NAME[name].model_validate_json(json.dumps(example))
        else:
            assert example.keys() == set(content["schema"]["required"])


@pytest.mark.parametrize("route", ROUTES)
def test_every_address_names_its_parameters_and_what_may_go_wrong(route):
    path = route.partition(" ")[2]
    described = operation_of(path)
    named = {each["name"] for each in described["parameters"] if each["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", path))
    assert {"200", "401", "404", "409", "415", "422", "503"} <= described["responses"].keys()
