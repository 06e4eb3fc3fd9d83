#!/bin/sh
lpr -P vestry notes/rota.csv
