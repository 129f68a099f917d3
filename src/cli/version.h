#ifndef DIFFC_CLI_VERSION_H
#define DIFFC_CLI_VERSION_H

#define DIFFC_VERSION "0.1.0"

#endif
