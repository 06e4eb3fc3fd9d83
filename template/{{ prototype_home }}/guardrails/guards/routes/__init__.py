"""The routes of JavaScript and TypeScript servers, and whom each of them asks who is calling."""

from .look import look as look
