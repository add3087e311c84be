"""`muster up`: all parts on one machine, supervised."""
