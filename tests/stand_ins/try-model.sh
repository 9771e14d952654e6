#!/bin/sh
# Stands in for `quantscope try-model`: what a model does to it is told by the model's name.
case "$*" in
*crash*) kill -SEGV $$ ;;
*hang*) exec sleep 600 ;;
*silent*) exit 1 ;;
*) exit 0 ;;
esac
