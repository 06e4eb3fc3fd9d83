"""The template's own questions, asked in the terminal: every rule is read from copier.yml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import questionary
import yaml
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from .refusal import BadAnswer

Answers = dict[str, Any]
BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


class Questionnaire:
    def __init__(self, template: Path) -> None:
        self._config = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
        self._questions: dict[str, dict[str, Any]] = {
            name: question
            for name, question in self._config.items()
            if not name.startswith("_") and question.get("when") is not False
        }
        self._engine = SandboxedEnvironment(
            loader=FileSystemLoader(template),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            undefined=StrictUndefined,
        )

    def answer(self, given: Mapping[str, str], *, ask: bool) -> Answers:
        """Check what was given, and ask for the rest or take its defaults."""
        for name in given:
            if name not in self._questions:
                raise BadAnswer(f"No question is called {name}: there are {self._names()}.")
        answers: Answers = {}
        for name in self._questions:
            if name in given:
                answers[name] = self._parse(name, given[name], answers)
            elif ask:
                answers[name] = self._prompt(name, answers)
            else:
                answers[name] = self.default(name, answers)
        return answers

    def default(self, name: str, answers: Answers) -> object:
        return self._render(self._questions[name]["default"], answers)

    def after_copy(self, answers: Answers, destination: Path) -> str:
        context = answers | {"_copier_conf": {"dst_path": destination}}
        return str(self._render(self._config["_message_after_copy"], context))

    def _parse(self, name: str, text: str, answers: Answers) -> object:
        question = self._questions[name]
        if question["type"] == "bool":
            if text.lower() not in BOOLEANS:
                raise BadAnswer(f"{name}: {text!r} is neither yes nor no.")
            return BOOLEANS[text.lower()]
        offered = [str(choice.value) for choice in self._choices(name)]
        if offered and text not in offered:
            raise BadAnswer(f"{name}: {text!r} is not among {', '.join(offered)}.")
        if fault := self._fault(name, text, answers):
            raise BadAnswer(f"{name}: {text!r} can't be used: {fault}")
        return text

    def _fault(self, name: str, answer: object, answers: Answers) -> str:
        validator = self._questions[name].get("validator", "")
        return str(self._render(validator, answers | {name: answer})).strip()

    def _prompt(self, name: str, answers: Answers) -> object:
        question, default = self._questions[name], self.default(name, answers)
        if question["type"] == "bool":
            return questionary.confirm(question["help"], default=bool(default)).unsafe_ask()
        if choices := self._choices(name):
            return questionary.select(
                question["help"], choices=choices, default=str(default)
            ).unsafe_ask()
        return questionary.text(
            question["help"],
            default=str(default),
            validate=lambda text: self._fault(name, text, answers) or True,
        ).unsafe_ask()

    def _choices(self, name: str) -> list[questionary.Choice]:
        offered = self._questions[name].get("choices", [])
        pairs = offered.items() if isinstance(offered, dict) else zip(offered, offered, strict=True)
        return [questionary.Choice(title, value) for title, value in pairs]

    def _render(self, source: object, context: Answers) -> object:
        if not isinstance(source, str):
            return source
        return self._engine.from_string(source).render(context)

    def _names(self) -> str:
        return ", ".join(self._questions)
