"""The template's own questions, asked in the terminal: every rule is read from copier.yml."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from .refusal import BadAnswer, Refusal

if TYPE_CHECKING:
    import questionary

Answers = dict[str, Any]
ANSWERS_FILE = ".copier-answers.yml"
BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


def recorded(root: Path) -> Answers | None:
    """What a stamp or an adoption has answered in a tree; None when there was neither.

    Raises:
        Refusal: the file can't be read, or does not hold answers.

    """
    try:
        content = yaml.safe_load((root / ANSWERS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refusal(f"{root / ANSWERS_FILE} can't be read: {error}") from error
    if not isinstance(content, dict):
        raise Refusal(f"{root / ANSWERS_FILE} holds no answers.")
    return content


class Questionnaire:
    """The questions of one mode: a new service, or guardrails around a prototype."""

    def __init__(self, template: Path, mode: str = "new") -> None:
        self._config = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
        self._mode = mode
        self._questions: dict[str, dict[str, Any]] = {
            name: question
            for name, question in self._config.items()
            if not name.startswith("_") and name != "mode"
        }
        self._engine = SandboxedEnvironment(
            loader=FileSystemLoader(template),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            undefined=StrictUndefined,
        )

    def answer(
        self,
        given: Mapping[str, str],
        *,
        ask: bool | Collection[str],
        found: Mapping[str, object] | None = None,
    ) -> Answers:
        """Check what was given, and ask for the rest (or those that are named) or take defaults.

        What was `found` out is not asked, unless it was given otherwise. Gives the answers of what
        is a question in this mode, in the order of the questions.
        """
        known: Answers = {"mode": self._mode}
        answers: Answers = {}
        for name in self._questions:
            if not self._is_asked(name, known):
                known[name] = self.default(name, known)
                continue
            if name in given:
                answers[name] = self._parse(name, given[name], known)
            elif name in (found or {}):
                answers[name] = (found or {})[name]
            else:
                asked = ask if isinstance(ask, bool) else name in ask
                answers[name] = self._prompt(name, known) if asked else self.default(name, known)
            known[name] = answers[name]
        for name in given:
            if name not in answers:
                raise BadAnswer(f"No question is called {name}: there are {', '.join(answers)}.")
        return answers

    def default(self, name: str, answers: Answers) -> object:
        """The answer of somebody who does not know better, after the answers so far."""
        question = self._questions[name]
        rendered = self._render(question["default"], {"mode": self._mode} | answers)
        if isinstance(rendered, str) and (
            question["type"] in {"bool", "yaml"} or self._is_list(name)
        ):
            return yaml.safe_load(rendered)
        return rendered

    def after_copy(self, answers: Answers, destination: Path) -> str:
        context = self.complete(answers) | {"_copier_conf": {"dst_path": destination}}
        return str(self._render(self._config["_message_after_copy"], context))

    def complete(self, answers: Answers) -> Answers:
        """The answers, with what is computed and what nobody is asked in this mode."""
        known = answers | {"mode": self._mode}
        for name in self._questions:
            known.setdefault(name, self.default(name, known))
        return known

    def _is_asked(self, name: str, known: Answers) -> bool:
        when = self._render(self._questions[name].get("when", True), known)
        return when is True or str(when).strip() == "True"

    def _is_list(self, name: str) -> bool:
        return bool(self._questions[name].get("multiselect"))

    def _parse(self, name: str, text: str, answers: Answers) -> object:
        question = self._questions[name]
        if question["type"] == "bool":
            if text.lower() not in BOOLEANS:
                raise BadAnswer(f"{name}: {text!r} is neither yes nor no.")
            return BOOLEANS[text.lower()]
        if question["type"] == "yaml":
            return self._parse_yaml(name, text, answers)
        offered = [str(choice.value) for choice in self._choices(name)]
        if self._is_list(name):
            return [self._offered(name, word, offered) for word in text.split(",") if word]
        if offered:
            self._offered(name, text, offered)
        if fault := self._fault(name, text, answers):
            raise BadAnswer(f"{name}: {text!r} can't be used: {fault}")
        return text

    def _parse_yaml(self, name: str, text: str, answers: Answers) -> object:
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise BadAnswer(f"{name}: {text!r} is no YAML: {error}") from error
        if fault := self._fault(name, value, answers):
            raise BadAnswer(f"{name}: {text!r} can't be used: {fault}")
        return value

    @staticmethod
    def _offered(name: str, text: str, offered: list[str]) -> str:
        if text not in offered:
            raise BadAnswer(f"{name}: {text!r} is not among {', '.join(offered)}.")
        return text

    def _fault(self, name: str, answer: object, answers: Answers) -> str:
        validator = self._questions[name].get("validator", "")
        return str(self._render(validator, answers | {name: answer})).strip()

    def _prompt(self, name: str, answers: Answers) -> object:
        import questionary  # Takes long, and most answers are given otherwise.

        question, default = self._questions[name], self.default(name, answers)
        if question["type"] == "bool":
            return questionary.confirm(question["help"], default=bool(default)).unsafe_ask()
        choices = self._choices(name)
        if self._is_list(name):
            for choice in choices:
                choice.checked = choice.value in (default if isinstance(default, list) else [])
            return questionary.checkbox(question["help"], choices=choices).unsafe_ask()
        if choices:
            return questionary.select(
                question["help"], choices=choices, default=str(default)
            ).unsafe_ask()
        return questionary.text(
            question["help"],
            default=str(default),
            validate=lambda text: self._fault(name, text, answers) or True,
        ).unsafe_ask()

    def _choices(self, name: str) -> "list[questionary.Choice]":
        import questionary

        offered = self._questions[name].get("choices", [])
        pairs = offered.items() if isinstance(offered, dict) else zip(offered, offered, strict=True)
        return [questionary.Choice(title, value) for title, value in pairs]

    def _render(self, source: object, context: Answers) -> object:
        if not isinstance(source, str):
            return source
        return self._engine.from_string(source).render(context)
